"use strict";
// What the chat clients in JavaScript have in common: they take commands and tell what they see as chat.py says.
const readline = require("node:readline");

// Libraries write their logs there; stdout is for what is told.
console.log = console.error;

/** The one argument. */
exports.settings = JSON.parse(process.argv[2]);

const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

/** Tells of a message: as a library gives it, with each number as one of JavaScript's. */
exports.told = tell.bind(null, "message");

/** Logs the client in, then carries out commands until stdin ends. `client` has a method for each. */
exports.run = async (client) => {
  tell("ready", await client.log_in());
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: name, ...command } = JSON.parse(line);
    try {
      tell("done", (await client[name](command)) ?? {});
    } catch (error) {
      console.error(error);
      tell("failed", { error: String(error) });
    }
  }
  process.exit(0);
};
