"""What the scripts share that hold a decoder and its JSON schema together: TAP, and damaged documents."""
import json
import sys

_count = 0
_bad = 0


def ok(good, name, why=""):
    """One TAP line; why is shown when it is not good."""
    global _count, _bad
    _count += 1
    _bad += not good
    print(f"{'' if good else 'not '}ok {_count} - {name}")
    if not good and why:
        print("# " + why.replace("\n", "\n# "))


def done():
    """The plan; ends the program."""
    print(f"1..{_count}")
    sys.exit(1 if _bad else 0)


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for k, v in value.items():
            yield from _places(v, path + (k,))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from _places(v, path + (i,))


def damage(rng, value, words, values, rename):
    """A copy of value with one place changed, added or removed; rename: also a member under another name."""
    value = json.loads(json.dumps(value))
    path = rng.choice([p for p in _places(value) if p])
    at = value
    for k in path[:-1]:
        at = at[k]
    how = rng.randrange(6)
    if how == 0 and isinstance(at, dict):
        at[rng.choice(words)] = rng.choice(values)
    elif how == 1:
        del at[path[-1]]
    elif rename and how == 2 and isinstance(at, dict):
        at[rng.choice(words)] = at.pop(path[-1])
    else:
        at[path[-1]] = rng.choice(values)
    return value
