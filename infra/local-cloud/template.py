"""The template as data: as it is written, and as it is under a choice of parameters."""

import yaml


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
