"""What a task is: every local field is one remote field."""

from wit_world.exports.descriptor import (
    Kind_Boolean,
    Kind_Reference,
    Kind_Text,
    Kind_Timestamp,
    Resource,
    Traits,
)


def field(local, kind, remote, traits=Traits(0)):
    return {"local": local, "kind": kind, "remote": remote, "traits": traits}


FIELDS = [
    field("name", Kind_Text(100), "Name", Traits.REQUIRED),
    field("description", Kind_Text(2000), "Description"),
    field("priority", Kind_Text(30), "Priority"),
    field("due", Kind_Timestamp(), "Due"),
    field("done", Kind_Boolean(), "Done Flag"),
    field("account_id", Kind_Reference("account"), "Account Id"),
]

TASK = {
    "name": "task",
    "mapping_version": 1,
    "resource": Resource(path="Task/Task", id="Id", updated="Updated", version="Mod Id", created="Created"),
    "user_keys": [["Name", "Account Id"], ["Name"]],
}
