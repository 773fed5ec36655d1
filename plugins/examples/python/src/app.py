"""The object `task` as a component: the interfaces of `wit/object.wit`, each a class of its name.

`wit_world` and `componentize_py_types` are made by componentize-py from the contract.
"""

from componentize_py_types import Err, Ok, Result
from wit_world.exports import descriptor, types

import task


def side(name: str) -> list[descriptor.Field]:
    return [descriptor.Field(field[name], field["kind"], field["traits"]) for field in task.FIELDS]


def carry(row: list[types.Value]) -> Result[list[types.Value], types.Rejection]:
    """Local field i is remote field i: a row stays as it is."""
    if len(row) != len(task.FIELDS):
        message = "the row has more or fewer values than the object has fields"
        return Err(types.Rejection(None, "row-length", message))
    return Ok(row)


class Types:
    pass


class Descriptor:
    def describe(self) -> descriptor.Object:
        return descriptor.Object(local=side("local"), remote=side("remote"), **task.TASK)


class Mapping:
    def to_local(self, remote):
        return [carry(row) for row in remote]

    def to_remote(self, local):
        return [carry(row) for row in local]

    def validate(self, local):
        return [[] for _ in local]
