"""The template as data: as it is written, as it is under a choice of parameters, and what the tests ask of it."""

import functools
import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions: `!Ref X` becomes {"Ref": "X"}."""


def _short(loader, tag, node):
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, True),
             yaml.MappingNode: lambda n: loader.construct_mapping(n, True)}
    return {tag: kinds[type(node)](node)}


Loader.add_multi_constructor("!", _short)


def read(text: str) -> dict:
    return yaml.load(text, Loader)


def defaults(template: dict) -> dict[str, str]:
    """Of every parameter; one without a default is None."""
    return {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}


def holds(template: dict, condition, parameters: dict) -> bool:
    """Whether a condition, or the name of one, holds."""
    if isinstance(condition, str):
        return holds(template, template["Conditions"][condition], parameters)
    [(function, arguments)] = condition.items()
    value = lambda side: parameters[side["Ref"]] if isinstance(side, dict) else side
    match function:
        case "Condition":
            return holds(template, arguments, parameters)
        case "Equals":
            return str(value(arguments[0])) == str(value(arguments[1]))
        case "Not":
            return not holds(template, arguments[0], parameters)
        case "And":
            return all(holds(template, each, parameters) for each in arguments)
        case "Or":
            return any(holds(template, each, parameters) for each in arguments)
    raise ValueError(f"a condition with {function}")


def section(template: dict, name: str, **parameters: str) -> dict:
    """Resources or Outputs as they are under these parameters and the others' defaults: no Fn::If is left in it, and nothing
    whose condition does not hold."""
    parameters = {**defaults(template), **parameters}
    unknown = set(parameters) - set(template["Parameters"])
    if unknown:
        raise ValueError(f"no such parameter: {', '.join(sorted(unknown))}")
    nothing = {"Ref": "AWS::NoValue"}

    def settled(node):
        if isinstance(node, dict) and set(node) == {"If"}:
            condition, true, false = node["If"]
            return settled(true if holds(template, condition, parameters) else false)
        if isinstance(node, dict):
            values = {key: settled(value) for key, value in node.items()}
            return {key: value for key, value in values.items() if node == nothing or value != nothing}
        if isinstance(node, list):
            return [value for value in map(settled, node) if value != nothing]
        return node

    return {key: settled(value) for key, value in template[name].items()
            if "Condition" not in value or holds(template, value["Condition"], parameters)}


# What is off by default and is tested like the rest.
SIGN_IN = {"Identity": "oidc"}
# The template the tests look at.
TEMPLATE: dict = {}
RESOURCES: dict = {}
FUNCTIONS: dict = {}


def use(written: dict) -> None:
    """The tests look at this template from now on: as written, and as it is under the parameters' defaults and with the sign-in."""
    under.cache_clear()
    resources = section(written, "Resources", **SIGN_IN)
    functions = {name.removesuffix("Function"): resource["Properties"] for name, resource in resources.items()
                 if resource["Type"] == "AWS::Serverless::Function"}
    for shared, now in ((TEMPLATE, written), (RESOURCES, resources), (FUNCTIONS, functions)):
        shared.clear()
        shared.update(now)


@functools.cache
def under(**parameters: str) -> dict:
    """The resources under these parameters, and with the sign-in."""
    return section(TEMPLATE, "Resources", **{**SIGN_IN, **parameters})


def outputs(**parameters: str) -> dict:
    """The values of the outputs under these parameters."""
    return {name: output["Value"] for name, output in section(TEMPLATE, "Outputs", **parameters).items()}


def of(kind: str, resources: dict | None = None) -> dict[str, dict]:
    """The properties of every resource of a type."""
    return {name: resource.get("Properties", {}) for name, resource in (resources or RESOURCES).items() if resource["Type"] == kind}


def policies(resources: dict | None = None):
    """Every statement of a role that allows something."""
    for name, role in of("AWS::IAM::Role", resources).items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    yield name, statement


def allowed(role: str, **parameters: str) -> dict[str, dict]:
    """A role's statements by their ids."""
    found = [statement for name, statement in policies(under(**parameters)) if name == role]
    by_id = {statement["Sid"]: statement for statement in found}
    assert len(by_id) == len(found), f"{role}: two statements of one id"
    return by_id


def many(value) -> list:
    return value if isinstance(value, list) else [value]


use(read((ROOT / "template.yaml").read_text()))
