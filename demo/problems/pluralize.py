"""Give the plural of an English noun."""

from problems import Problem

PROBLEM = Problem("pluralize", {"pluralize": "pluralize(noun: str) -> str"})

NOUNS = """
cat dog bus box church dish quiz buzz fez day boy monkey city baby soliloquy photo piano hero potato
tomato echo zoo video leaf wolf knife wife life half roof chief belief safe proof dwarf man woman
human german policeman child ox foot tooth goose mouse louse person index vertex matrix axis crisis
analysis thesis datum medium bacterium phenomenon criterion cactus focus fungus radius nucleus virus
octopus genius corpus genus opus alumnus alumna formula larva appendix sheep fish deer moose series
species aircraft salmon scissors trousers news information equipment rice money police cattle staff
data criteria cats dogs buses women mice children geese lens gas class status bonus campus atlas
stimulus hippopotamus rhinoceros walrus mongoose passerby mother-in-law attorney-general runner-up
commander-in-chief cupful move sex shoe cookie movie slave cave curve drive alias process address
database query agency archive quota rose house horse bike cow brother sister penny die staffperson
Cat CAT Child Mouse iPhone URL API PhD 1990 A
""".split()  # noqa: SIM905 - easier to read than a list of strings
PHRASES = ["", " ", "cat ", " cat", "old cat", "cat and dog", "man of war", "bill of lading", "café",
           "naïveté", "año", "кот", "猫", "rock'n'roll", "cat.", "do-it", "user_id", "3", "-"]  # fmt: skip
for noun in dict.fromkeys([*NOUNS, *PHRASES]):
    PROBLEM.test(f"noun_{noun.encode('unicode_escape').decode()}", noun)
for name, argument in {"none": None, "integer": 1, "bytes": b"cat", "list": ["cat"]}.items():
    PROBLEM.test(f"not_text_{name}", argument)


@PROBLEM.implementation("inflection", "inflection")
def inflection_pluralize(noun):
    import inflection

    return inflection.pluralize(noun)


@PROBLEM.implementation("inflect", "inflect")
def inflect_plural_noun(noun):
    import inflect

    return inflect.engine().plural_noun(noun)


@PROBLEM.implementation("pluralizer", "pluralizer")
def pluralizer_plural(noun):
    from pluralizer import Pluralizer

    return Pluralizer().plural(noun)


@PROBLEM.implementation("inflector", "inflector")
def inflector_pluralize(noun):
    from inflector import Inflector

    return Inflector().pluralize(noun)


@PROBLEM.implementation("boltons", "boltons.strutils")
def boltons_pluralize(noun):
    from boltons.strutils import pluralize

    return pluralize(noun)
