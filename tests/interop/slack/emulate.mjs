// The Slack emulator (npm: emulate 0.12.2), with one more thing that its command line does not offer: an address that
// all that happens is posted to, signed. Arguments: where the package is, that address, the signing secret, the port.
import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, events, secret, port] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(`${folder}/dist/${file}`));
const pieces = readdirSync(`${folder}/dist`).filter((file) => /^dist-.*\.js$/.test(file));
for (const piece of pieces) {
  const { slackPlugin } = await load(piece);
  if (!slackPlugin) continue;
  const register = slackPlugin.register.bind(slackPlugin);
  slackPlugin.register = (app, store, webhooks, ...rest) => {
    webhooks.register({ url: events, events: ["*"], active: true, owner: "slack" });
    return register(app, store, webhooks, ...rest);
  };
}
const { createEmulator } = await load("api.js");
await createEmulator({ service: "slack", port: Number(port), seed: { slack: { signing_secret: secret } } });
console.log("ready");
