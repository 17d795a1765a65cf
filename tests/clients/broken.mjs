// Asks for streams through an npm client; prints what kind of error each of them ended with.
//   node broken.mjs ADDRESS MODEL COUNT        with CLIENTS naming the folder of package.json, CLIENT claude or chat

import { createRequire } from "node:module";

const load = createRequire(`${process.env.CLIENTS}/`);
const [address, model, count] = process.argv.slice(2);
const options = { apiKey: "pointsman", maxRetries: 0 };
const question = { model, max_tokens: 9, stream: true, messages: [{ role: "user", content: "Hello" }] };

async function ask() {
  if (process.env.CLIENT === "claude") {
    const { default: Anthropic } = load("@anthropic-ai/sdk");
    return new Anthropic({ baseURL: address, ...options }).messages.create(question);
  }
  const { default: OpenAI } = load("openai");
  return new OpenAI({ baseURL: `${address}/v1`, ...options }).chat.completions.create(question);
}

const kinds = [];
for (let number = 0; number < Number(count); number += 1) {
  try {
    for await (const event of await ask()) void event;
    kinds.push("a normal end");
  } catch (error) {
    kinds.push(error.constructor.name);
  }
}
console.log(JSON.stringify(kinds));
