"""The Levenshtein distance: the fewest insertions, deletions and substitutions between two texts."""

from problems import UNDEFINED, Problem

PROBLEM = Problem("edit_distance", {"distance": "distance(a: str, b: str) -> int"})

# Distances that follow from the definition: to or from an empty text, of equal texts, of texts that
# differ in one place, and the textbook pairs that can be counted by hand.
STIMULI = {
    "both_empty": ("", "", 0),
    "left_empty": ("", "abc", 3),
    "right_empty": ("abc", "", 3),
    "equal": ("distance", "distance", 0),
    "one_substitution": ("cat", "cut", 1),
    "one_insertion": ("cat", "cart", 1),
    "one_deletion": ("cart", "cat", 1),
    "kitten_sitting": ("kitten", "sitting", 3),
    "saturday_sunday": ("saturday", "sunday", 3),
    "transposition": ("ab", "ba", 2),
    "transposition_inside": ("receive", "recieve", 2),
    "case": ("ABC", "abc", 3),
    "nothing_in_common": ("abc", "xyz", 3),
    "prefix": ("inter", "international", 8),
    "suffix": ("national", "international", 5),
    "repeated_letter": ("aaaa", "aa", 2),
    "reversed": ("abcdef", "fedcba", UNDEFINED),
    "rotated": ("abcdefgh", "bcdefgha", 2),
    "spaces": ("a b c", "abc", 2),
    "only_spaces": ("   ", " ", 2),
    "newline": ("a\nb", "a\tb", 1),
    "digits": ("1234567890", "1234567980", 2),
    "precomposed_accents": ("caf\u00e9", "cafe", 1),
    "combining_accent": ("caf\u00e9", "cafe\u0301", 2),
    "two_combining_marks": ("e\u0301\u0323", "e\u0323\u0301", 2),
    "eszett": ("straße", "strasse", 2),
    "cyrillic": ("привет", "приветы", 1),
    "greek_sigma": ("σοφός", "σοφόσ", 1),
    "chinese": ("世界", "世間", 1),
    "emoji": ("😀😁", "😀😂", 1),
    "emoji_to_letter": ("😀", "a", 1),
    "family_emoji": ("👨\u200d👩\u200d👧", "👨\u200d👩", 2),
    "flags": ("🇩🇪", "🇩🇰", 1),
    "skin_tone": ("👍", "👍🏽", 1),
    "high_planes": ("\U0010ffff", "\U0010fffe", 1),
    "lone_surrogates": ("\ud800", "\udc00", UNDEFINED),
    "null_character": ("a\x00b", "ab", 1),
    "right_to_left": ("שלום", "שלומ", 1),
    "zero_width_joiner": ("ab", "a\u200db", 1),
    "long_equal": ("ab" * 100, "ab" * 100, 0),
    "long_shifted": ("ab" * 50, "ba" * 50, 2),
    "longer_than_a_word": ("a" * 64, "b" * 64, 64),
    "longer_than_a_word_by_one": ("a" * 65, "a" * 64 + "b", 1),
    "many_different_letters": (
        "".join(map(chr, range(0x4E00, 0x4E00 + 300))),
        "".join(map(chr, range(0x4E01, 0x4E00 + 301))),
        2,
    ),
    "many_different_letters_in_one": ("".join(map(chr, range(32, 332))), "x", 299),
    "very_long_and_empty": ("x" * 1000, "", 1000),
    "sentence": ("the quick brown fox", "the quack brawn fax", 3),
    "words_swapped": ("hello world", "world hello", UNDEFINED),
    "dna": ("GATTACAGATTACA", "GCATGCUGCATGCU", UNDEFINED),
    "none_left": (None, "abc", UNDEFINED),
    "none_both": (None, None, UNDEFINED),
    "none_right_of_empty": ("", None, UNDEFINED),
    "integers": (123, 124, UNDEFINED),
    "bytes": (b"abc", b"abd", UNDEFINED),
    "bytes_and_text": (b"abc", "abc", UNDEFINED),
    "lists_of_words": (["a", "rose", "is"], ["a", "nose", "is"], UNDEFINED),
    "lists_of_numbers": ([1, 2, 3], [1, 3], UNDEFINED),
    "tuple_and_list": ((1, 2), [1, 2], UNDEFINED),
    "list_and_text": (["a", "b"], "ab", UNDEFINED),
    "empty_list_and_text": ([], "ab", UNDEFINED),
    "list_of_lists": ([[1], [2]], [[1], [3]], UNDEFINED),
}
for name, (left, right, prescribed) in STIMULI.items():
    PROBLEM.test(name, left, right, expected=prescribed)


@PROBLEM.implementation("rapidfuzz", "rapidfuzz.distance.Levenshtein")
def rapidfuzz_distance(a, b):
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(a, b)


@PROBLEM.implementation("jellyfish", "jellyfish")
def jellyfish_distance(a, b):
    import jellyfish

    return jellyfish.levenshtein_distance(a, b)


@PROBLEM.implementation("editdistance", "editdistance")
def editdistance_eval(a, b):
    import editdistance

    return editdistance.eval(a, b)


@PROBLEM.implementation("edlib", "edlib")
def edlib_align(a, b):
    import edlib

    return edlib.align(a, b)["editDistance"]


@PROBLEM.implementation("pylev", "pylev")
def pylev_distance(a, b):
    import pylev

    return pylev.levenshtein(a, b)


@PROBLEM.implementation("textdistance", "textdistance")
def textdistance_levenshtein(a, b):
    import textdistance

    return textdistance.Levenshtein(external=False).distance(a, b)


@PROBLEM.implementation("strsimpy", "strsimpy.levenshtein")
def strsimpy_distance(a, b):
    from strsimpy.levenshtein import Levenshtein

    # It counts in floats; the interface asks for an integer.
    return int(Levenshtein().distance(a, b))


@PROBLEM.implementation("edit-distance", "edit_distance")
def edit_distance_of_sequences(a, b):
    import edit_distance

    return edit_distance.edit_distance(a, b)[0]
