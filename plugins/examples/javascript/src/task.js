// What a task is: every local field is one remote field.

export const FIELDS = [
  { local: "name", kind: { tag: "text", val: 100 }, remote: "Name", traits: { required: true } },
  { local: "description", kind: { tag: "text", val: 2000 }, remote: "Description" },
  { local: "priority", kind: { tag: "text", val: 30 }, remote: "Priority" },
  { local: "due", kind: { tag: "timestamp" }, remote: "Due" },
  { local: "done", kind: { tag: "boolean" }, remote: "Done Flag" },
  { local: "account_id", kind: { tag: "reference", val: "account" }, remote: "Account Id" },
];

export const TASK = {
  name: "task",
  mappingVersion: 1,
  resource: { path: "Task/Task", id: "Id", updated: "Updated", version: "Mod Id", created: "Created" },
  userKeys: [["Name", "Account Id"], ["Name"]],
};
