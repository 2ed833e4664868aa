// Adds a daemon's token to every request, for test suites that cannot carry one. Everything else passes as it is.
// Usage: node proxy.mjs DAEMON_ADDRESS TOKEN CALLER; prints its own address.
import http from "node:http";

const [address, token, caller] = process.argv.slice(2);
const [host, port] = address.split(":");
const server = http.createServer((request, response) => {
  const headers = { ...request.headers, authorization: `Bearer ${token}`, "chimewheel-caller": caller };
  const asked = http.request({ host, port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  asked.on("error", () => response.destroy());
  response.on("close", () => asked.destroy());
  request.pipe(asked);
});
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
