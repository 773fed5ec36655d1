// The object `task` as a component: the interfaces of `wit/object.wit`, each an export of its name.
// A value is `{ tag, val }`: `{ tag: "text", val: "Send the offer" }`, `{ tag: "null" }`, `{ tag: "absent" }`.

import { FIELDS, TASK } from "./task.js";

const NO_TRAITS = { required: false, readOnly: false, computed: false, createOnly: false, notCompared: false };

const side = (name) =>
  FIELDS.map((field) => ({ name: field[name], kind: field.kind, traits: { ...NO_TRAITS, ...field.traits } }));

export const types = {};

export const descriptor = {
  describe: () => ({ ...TASK, local: side("local"), remote: side("remote") }),
};

export const mapping = {
  toLocal: (rows) => rows.map(carry),
  toRemote: (rows) => rows.map(carry),
  validate: (rows) => rows.map(() => []),
};

/** Local field i is remote field i: a row stays as it is. */
function carry(row) {
  if (row.length !== FIELDS.length) {
    return reject(null, "row-length", "the row has more or fewer values than the object has fields");
  }
  const inexact = row.findIndex(isInexact);
  if (inexact >= 0) {
    return reject(inexact, "number-too-large", "a number beyond 2^53 would be rounded by JavaScript");
  }
  return { tag: "ok", val: row };
}

/**
 * A 64-bit integer of the contract is a JavaScript number here, already rounded where it does not fit one. What was
 * rounded is never a safe integer, so nothing passes with another value than it came with. Timestamps are
 * microseconds: those after June 2255 do not fit.
 */
function isInexact({ tag, val }) {
  return (tag === "integer" || tag === "timestamp") && !Number.isSafeInteger(val);
}

function reject(field, code, message) {
  return { tag: "err", val: { field, code, message } };
}
