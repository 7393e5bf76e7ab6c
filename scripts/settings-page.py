#!/usr/bin/env python3
"""Writes docs/settings.md: every key of every recipe with its default and its meaning.

The page is made of the Swift types that recipes are decoded into: stored properties of structs that
are `Settings`, cases of enums that are `SettingChoice` (words) or have payloads (kinds with
settings of their own), and the `///` comments above them. Run it after changing one of them;
`make check` fails while the page is stale.

usage: scripts/settings-page.py [--check]
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"

# What the page begins with: heading, type of the recipe, what to say first.
RECIPES = [
    ("Recipes that extract parameters", "ParameterRecipe",
     "A variational autoencoder finds the parameters that differ between recordings: "
     "`Recipes/pde-vae`."),
    ("Recipes that forecast", "DynamicsRecipe",
     "A reduction and a propagator of its latents, with `method: dynamics` "
     "(`led` in older recipes): `Recipes/led`."),
    ("Recipes that find a law", "LawRecipe",
     "A search for the differential equation behind recordings, with `method: law`: `Recipes/law`."),
]

INTRO = """\
# Settings

Every key of a recipe, with its default. A key that is left out takes its default; a key that does
not exist is an error that names the nearest one. `kymo train RECIPE --dry-run` prints a recipe with
all defaults, and `kymo train RECIPE key.sub=value` changes a setting for one run, as in
`training.steps=4000`.

Where a default is a *group*, its keys stand in a table of their own, under the path by which
overrides name them; where it names settings, as in `oneCycle: {peak: 5e-3}`, the others are those
of that table. *One of* several kinds is written as one key with its settings below it, or
`{}` for their defaults:

    learningRate:
      constant: {rate: 1e-3}

This page is made from the sources by `scripts/settings-page.py`.
"""


class Entry:
    """A stored property or a case, with its comment."""

    def __init__(self, name, type, default, doc, inlined=False):
        self.name, self.type, self.default, self.doc = name, type, default, doc
        self.inlined = inlined


class Type:
    """A group of settings, a choice of words, or a choice of kinds."""

    def __init__(self, name, kind, doc):
        self.name, self.kind, self.doc, self.entries = name, kind, doc, []
        # What its functions make, and the values of its constants, by name.
        self.makers, self.constants = {}, {}
        # Labels and names of what its initialisers take.
        self.initialisers = []


# --- Reading Swift ---

TYPE = re.compile(
    r"^\s*(?:@\w+ )*(?:public |package |private |fileprivate )?(?:final )?"
    r"(struct|enum|class|extension|protocol|actor) ([\w.]+)(?:<[^>]*>)?(?:\s*:\s*([^{]*))?"
    r"(?:\s*where [^{]*)?\s*\{")
PROPERTY = re.compile(
    r"^\s*(@Inlined )?(?:public |package )?var (\w+)(?:\s*:\s*([^={]+?))?(?:\s*=\s*(.+?))?\s*$")
CASE = re.compile(r"^\s*case (\w+)(?:\((?:\w+: )?([\w.]+)\))?(?:\s*=\s*\"([^\"]*)\")?\s*$")
MAKER = re.compile(r"^\s*(?:\w+ )*static func (\w+)\((.*)\) -> ([\w.]+) \{")
INITIALISER = re.compile(r"^\s*(?:public |package )?init\((.+)\) \{")
LONG = re.compile(r"^\s*(?:@Inlined )?(?:\w+ )*(?:var|struct|enum|init|static func)\b")
CONSTANT = re.compile(r"^\s*(?:\w+ )*static let (\w+) = (\".*\"|-?[\d_.e-]+)\s*$")
CASES = re.compile(r"^\s*case (\w+(?:, \w+)+)\s*$")


def code(line):
    """The line without strings and comments, for counting braces."""
    return re.sub(r"//.*", "", re.sub(r'"(?:\\.|[^"\\])*"', '""', line))


def read_sources():
    """All types of the sources by qualified name."""
    types = {}
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        lines, scope, doc, depth, index = path.read_text().split("\n"), [], [], 0, 0
        while index < len(lines):
            line = lines[index]
            if line.strip().startswith("///"):
                doc.append(line.strip()[3:].strip())
                index += 1
                continue
            # A property or a heading may go on in the next lines.
            while index + 1 < len(lines) and (
                code(line).count("(") > code(line).count(")")
                or re.search(r"(?:=|,|:)\s*$", code(line)) and not code(line).rstrip().endswith("{")
                and LONG.match(line)
            ):
                index += 1
                line += " " + lines[index].strip()
            found = TYPE.match(code(line))
            inside = scope[-1][0] if scope and depth == scope[-1][1] else None
            if found:
                kind, name, parents = found.group(1), found.group(2), found.group(3) or ""
                name = ".".join([scope[-1][0], name] if scope and kind != "extension" else [name])
                scope.append((name, depth + 1))
                if kind in ("struct", "enum"):
                    words = set(re.findall(r"\w+", parents))
                    what = (
                        "words" if "SettingChoice" in words
                        else "group" if words & {"Settings", "SimulationConfiguration"}
                        else "kinds" if kind == "enum" and words & {"Codable", "FormerSettings"}
                        else "other")
                    types[name] = Type(name, what, doc)
            elif inside in types and types[inside].kind in ("words", "kinds") and CASE.match(line):
                case = CASE.match(line)
                types[inside].entries.append(
                    Entry(case.group(3) or case.group(1), case.group(2), case.group(1), doc))
            elif inside in types and types[inside].kind == "words" and CASES.match(line):
                types[inside].entries += [
                    Entry(name, None, name, doc) for name in CASES.match(line).group(1).split(", ")]
            elif inside in types and CONSTANT.match(line):
                types[inside].constants.update([CONSTANT.match(line).groups()])
            elif inside in types and MAKER.match(line):
                name, parameters, made = MAKER.match(line).groups()
                end = index + 1
                while not re.match(r"^\s*\}\s*$", lines[end]):
                    end += 1
                body = " ".join(text.strip() for text in lines[index + 1:end])
                types[inside].makers[name] = (made, names(parameters), body)
            elif inside in types and INITIALISER.match(line):
                types[inside].initialisers.append(names(INITIALISER.match(line).group(1)))
            elif inside in types and types[inside].kind == "group" and PROPERTY.match(line):
                wrapper, name, type, default = PROPERTY.match(line).groups()
                types[inside].entries.append(Entry(name, type, default, doc, bool(wrapper)))
            doc = []
            depth += code(line).count("{") - code(line).count("}")
            while scope and depth < scope[-1][1]:
                scope.pop()
            index += 1
    return types


# --- Writing the page ---


class Page:
    """The page in the making."""

    def __init__(self, types, places=None):
        self.types = types
        # Where each group is described: its path and the anchor of its heading, as the page before
        # found them, and as this one does.
        self.known = places or {}
        self.places = {}
        self.anchors = {}
        # Words that have been explained.
        self.explained = set()
        self.text = [INTRO]

    def heading(self, level, title):
        """A heading; its anchor."""
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = self.anchors[name] = self.anchors.get(name, -1) + 1
        self.text.append(f"{'#' * level} {title}\n")
        return f"{name}-{count}" if count else name

    def find(self, name, inside):
        """The type that a name means within another type."""
        name = name.strip().rstrip("?").removeprefix("[").removesuffix("]").strip()
        name = name.removeprefix("any ")
        scope = inside.split(".")
        for length in range(len(scope), -1, -1):
            if (full := ".".join(scope[:length] + [name])) in self.types:
                return self.types[full]
        return None

    def type_of(self, entry, inside):
        """The type of a property, from its annotation or its default."""
        if entry.type:
            return self.find(entry.type, inside)
        made = re.match(r"(?:([A-Z][\w.]*)\.)?([a-z]\w*)\(", entry.default or "")
        if made:
            maker = self.find(made.group(1) or inside, inside)
            if maker and made.group(2) in maker.makers:
                return self.find(maker.makers[made.group(2)][0], maker.name)
        words = re.match(r"([A-Z][\w.]*?)(?:\.\w+)?(?:\(|$)", entry.default or "")
        if not words:
            return None
        return self.find(words.group(1), inside)

    def value(self, expression, type, inside):
        """A default as a recipe has it."""
        text = expression.strip()
        if re.fullmatch(r"-?[\d_]+(?:\.[\d_]*)?(?:e-?\d+)?", text):
            return text.replace("_", "")
        if text.startswith('"'):
            return text[1:-1] or '""'
        if text == "[:]":
            return "{}"
        if text.startswith("["):
            inner = text[1:-1].strip()
            return "[" + ", ".join(self.value(v, type, inside) for v in split(inner)) + "]"
        if text in ("true", "false"):
            return text
        if "Double.pi" in text:
            return re.sub(r"(\d+) \* π", r"\1π", text.replace("Double.pi", "π"))
        call = re.fullmatch(r"(?:([A-Z][\w.]*)?\.)?(\w+)(?:\((.*)\))?", text, re.S)
        if call:
            owner, name, arguments = call.groups()
            target = self.find(owner, inside) if owner else type
            if target and target.kind in ("words", "kinds"):
                for case in target.entries:
                    if case.default == name:
                        if arguments is None:
                            return case.name
                        return f"{case.name}: {self.arguments(arguments, target.name)}"
            if target and name in target.constants:
                return self.value(target.constants[name], type, inside)
            if owner is None and arguments == "" and self.find(name, inside):
                return "group"
            maker = self.find(owner or inside, inside)
            if arguments and maker and name in maker.makers:
                return self.made(maker, name, arguments)
            if arguments and (made := self.find(name, inside)):
                return self.given(made, arguments)
            if owner is None and target is None and text.startswith("."):
                return name
        if re.search(r"[A-Z(]|^\.", text):
            sys.exit(f"settings-page: cannot say the default '{text}' in {inside}")
        return text

    def made(self, maker, name, arguments):
        """What a function of a type makes: an initialiser's call, and what is set afterwards."""
        result, parameters, body = maker.makers[name]
        for label, value in zip((n for _, n in parameters), split(arguments)):
            value = re.sub(r"^\w+:\s+", "", value)
            body = re.sub(rf"(?<![.\w]){label}\b(?!:)", value, body)
        call = re.search(rf"{result}\((.*?)\)\s*(?:(\w+)\.(\w+) = (\S+) return \w+)?$", body)
        if not call:
            sys.exit(f"settings-page: cannot say what {name} in {maker.name} makes")
        text = self.given(self.find(result, maker.name), call.group(1))
        if call.group(3):
            text = text[:-1] + f", {call.group(3)}: {self.value(call.group(4), None, result)}}}"
        return text

    def given(self, type, arguments):
        """The settings that an initialiser of a type is given."""
        for parameters in type.initialisers:
            keys, place = [], 0
            for part in split(arguments):
                label = re.match(r"(\w+):\s", part)
                wanted = label.group(1) if label else "_"
                while place < len(parameters) and parameters[place][0] != wanted:
                    place += 1
                if place == len(parameters):
                    break
                keys.append((parameters[place][1], part[label.end():] if label else part))
                place += 1
            else:
                values = [f"{key}: {self.kind_or_value(text, type.name)}" for key, text in keys]
                return "{" + ", ".join(values) + "}"
        sys.exit(f"settings-page: cannot say what {type.name}({arguments}) is")

    def kind_or_value(self, text, inside):
        """A value of an unknown type, which may be a kind with its settings."""
        kind = re.fullmatch(r"\s*\.(\w+)\((.*)\)", text, re.S)
        if kind:
            return "{" + f"{kind.group(1)}: {self.arguments(kind.group(2), inside)}" + "}"
        return self.value(text, None, inside)

    def arguments(self, text, inside):
        """The settings that an initialiser is given."""
        made = re.fullmatch(r"(?:\.init|[A-Z][\w.]*)\((.*)\)", text.strip(), re.S)
        given = split(made.group(1)) if made else []
        pairs = [part.split(":", 1) for part in given]
        return "{" + ", ".join(
            f"{key}: {self.kind_or_value(value, inside)}" for key, value in pairs) + "}"

    def group(self, path, type, level):
        """A table of a type's keys, then the tables of what is below them."""
        if path:
            self.places[type.name] = (path, self.heading(level, f"`{path}`"))
            self.text.append(prose(type.doc) + "\n")
        if type.kind == "kinds":
            self.text.append("One of:\n")
            rows, below = self.kinds(path, type)
            self.table(("kind", "what it is"), rows)
        else:
            rows, below = self.keys(path, type)
            self.table(("key", "default", "what it is"), rows)
        for inner_path, inner in below:
            if inner.name not in self.places:
                self.group(inner_path, inner, min(level + 1, 4))

    def keys(self, path, type):
        """The keys of a group as rows, and the groups below them."""
        rows, below = [], []
        for entry in type.entries:
            inner = self.type_of(entry, type.name)
            here = f"{path}.{entry.name}" if path else entry.name
            default = self.value(entry.default, inner, type.name) if entry.default else None
            if entry.inlined:
                more, deeper = self.kinds(path, inner)
                names = " or ".join(f"`{key}`" for key, _ in more)
                first = default.split(":")[0]
                rows += [
                    (key, "`{}`" if key == first else "absent", f"{meaning} Only one of {names}.")
                    for key, meaning in more]
                below += deeper
                continue
            meaning = cell(entry.doc)
            shown = "absent" if default is None else f"`{default}`"
            if inner and inner.kind in ("group", "kinds"):
                is_list = (entry.type or entry.default or "").strip().startswith("[")
                below.append((here + ("[0]" if is_list else ""), inner))
                link = self.link(inner)
                if default == "group":
                    shown = link.replace("`" + self.known.get(inner.name, ("",))[0] + "`", "group")
                else:
                    meaning += f" Keys: {link}."
            elif inner and inner.kind == "words":
                meaning += self.words(inner)
            elif "any SimulationConfiguration" in (entry.type or ""):
                shown = "absent" if entry.type.endswith("?") else "[group](#simulated-systems)"
                meaning += " Keys: those of the [system](#simulated-systems)."
            rows.append((entry.name, shown, meaning))
        return rows, below

    def kinds(self, path, type):
        """The kinds of a choice as rows, and their groups."""
        rows, below = [], []
        for case in type.entries:
            meaning = cell(case.doc)
            if inner := self.find(case.type, type.name) if case.type else None:
                below.append((f"{path}.{case.name}" if path else case.name, inner))
                meaning += f" Keys: {self.link(inner)}."
            rows.append((case.name, meaning))
        return rows, below

    def words(self, type):
        """The words of a choice, explained where they occur first."""
        if type.name in self.explained:
            return " One of " + ", ".join(f"`{case.name}`" for case in type.entries) + "."
        self.explained.add(type.name)
        return "".join(
            f"<br>`{case.name}`" + (f": {cell(case.doc)}" if case.doc else "")
            for case in type.entries)

    def link(self, type):
        """Where the keys of a group are."""
        path, target = self.known.get(type.name, ("?", "?"))
        return f"[`{path}`](#{target})"

    def table(self, heads, rows):
        """One table."""
        lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        for key, *rest in rows:
            cells = [f"`{key}`"] + [text.replace("|", "\\|") for text in rest]
            lines.append("| " + " | ".join(cells) + " |")
        self.text.append("\n".join(lines) + "\n")

    def make(self):
        """The whole page."""
        for title, name, first in RECIPES:
            if name not in self.types:
                sys.exit(f"settings-page: no type {name} in Sources; mend RECIPES in this script.")
            self.heading(2, title)
            self.text.append(first + "\n")
            self.group("", self.types[name], 2)
        self.systems()
        return "\n".join(self.text)

    def systems(self):
        """The settings of simulated systems."""
        self.heading(2, "Simulated systems")
        self.text.append(
            "`kymo simulate SYSTEM key=value …`, and in a recipe `data.simulate` with "
            "`system: SYSTEM`.\n")
        source = "\n".join(
            path.read_text() for path in (ROOT / "Sources").rglob("SimulationSettings.swift"))
        systems = {case.default: case.name for case in self.types["SimulatedSystem"].entries}
        for case, name in re.findall(r"case \.(\w+): (\w+)\.self", source):
            if name in self.places:
                self.heading(3, f"`{systems[case]}`")
                self.text.append("Keys: " + self.link(self.types[name]) + ".\n")
            else:
                self.group(systems[case], self.types[name], 3)


def names(parameters):
    """Labels and names of parameters."""
    words = [part.split(":")[0].split() for part in split(parameters)]
    return [(word[0], word[-1]) for word in words]


def split(text):
    """Arguments at commas that are in no brackets."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += letter in "([{"
        depth -= letter in ")]}"
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [part.strip() for part in parts + [text[start:]] if part.strip()]


def prose(doc):
    """A comment as paragraphs."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(doc).strip())
    return "\n\n".join(symbols(" ".join(p.split("\n"))) for p in paragraphs)


def cell(doc):
    """A comment in a cell of a table."""
    return symbols(" ".join(line for line in doc if line))


def symbols(text):
    """Names of symbols as code."""
    return re.sub(r"``([^`]+)``", r"`\1`", text)


if __name__ == "__main__":
    types = read_sources()
    # Twice, since links lead to headings further down.
    first = Page(types)
    first.make()
    page = Page(types, first.places).make()
    if sys.argv[1:] == ["--check"]:
        if not PAGE.exists() or PAGE.read_text() != page:
            sys.exit("docs/settings.md is not what the sources say. Run: scripts/settings-page.py")
    elif not sys.argv[1:]:
        PAGE.write_text(page)
    else:
        sys.exit(__doc__)
