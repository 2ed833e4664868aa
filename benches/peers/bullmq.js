// BullMQ on a redis-server of its own, every write synced (appendfsync always).
// Create: delayed entries, 1,000 a call. Fire: all are due, one worker that takes 100 at a time. Start: the server reads
// its file, and the queue answers.

const { execFileSync, spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { Queue, Worker } = require("bullmq");

const count = Number(process.argv[2]);
const folder = process.argv[3];
const port = 26379 + (process.pid % 1000);
const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };

let redis;

// However this ends, the server ends with it.
process.on("exit", () => redis?.kill("SIGKILL"));

function server() {
  return spawn("redis-server", [
    "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always",
    "--save", "", "--daemonize", "no",
  ], { stdio: "ignore" });
}

function ended(child) {
  return new Promise((done) => child.on("exit", done));
}

async function create(queue, delay) {
  for (let first = 0; first < count; first += 1000) {
    const size = Math.min(1000, count - first);
    await queue.addBulk(Array.from({ length: size }, (_, at) => ({
      name: "reminder",
      data: { text: `A reminder that has the length of a usual one, number ${first + at}.` },
      opts: { delay, removeOnComplete: true },
    })));
  }
}

function bytes(at) {
  const stat = fs.statSync(at);
  return stat.isDirectory() ? fs.readdirSync(at).reduce((sum, name) => sum + bytes(path.join(at, name)), 0) : stat.size;
}

async function main() {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  redis = server();
  let queue = new Queue("peer", { connection });
  queue.on("error", () => {});
  await queue.waitUntilReady();
  let begun = performance.now();
  await create(queue, 86_400_000);
  const created = count / ((performance.now() - begun) / 1000);
  const size = bytes(folder) / count;
  await queue.close();
  const over = ended(redis);
  redis.kill("SIGKILL");
  await over;

  begun = performance.now();
  redis = server();
  queue = new Queue("peer", { connection });
  queue.on("error", () => {});
  await queue.waitUntilReady();
  await queue.getDelayedCount();
  const start = performance.now() - begun;
  await queue.obliterate({ force: true });

  await create(queue, 1);
  let left = count;
  let done;
  const all = new Promise((resolve) => (done = resolve));
  begun = performance.now();
  const worker = new Worker("peer", async () => {}, { connection, concurrency: 100 });
  worker.on("completed", () => --left === 0 && done());
  await all;
  const fired = count / ((performance.now() - begun) / 1000);
  await worker.close();
  await queue.close();
  redis.kill("SIGKILL");
  await ended(redis);
  fs.rmSync(folder, { recursive: true, force: true });
  const version = require("bullmq/package.json").version;
  const redisVersion = /v=(\S+)/.exec(execFileSync("redis-server", ["--version"]).toString())[1];
  const figures = [created, fired, size, start].map(Math.round).join("|");
  console.log(`BullMQ|${version}, Redis ${redisVersion}|${figures}`);
  process.exit(0);
}

main();
