"""Writes the tables of filetype as C: python tables.py FOLDER-OF-MAGIKA >types.h

config.min.json is the network's: the labels in the order of its scores, how much of a file it sees, from which score an
answer counts. content_types_kb.min.json describes all labels, also those that no network is asked about.
"""
import glob
import json
import sys

SPECIAL = "empty directory txt unknown".split()


def c(text):
    return '"' + "".join("\\%03o" % b if b in b'"\\?' or not 32 <= b < 127 else chr(b) for b in text.encode()) + '"'


def main(root):
    folder, = glob.glob(root + "/models/standard_*")
    with open(folder + "/config.min.json") as f:
        config = json.load(f)
    with open(root + "/config/content_types_kb.min.json") as f:
        facts = json.load(f)
    if config["mid_size"] or config["use_inputs_at_offsets"]:
        sys.exit("this model sees more of a file than its beginning and its end")
    asked = config["target_labels_space"]
    labels = asked + [x for x in SPECIAL if x not in asked]
    print("/* made by tables.py */")
    print("enum { BEGIN = %d, END = %d, BLOCK = %d, LEAST = %d, PAD = %d, LABELS = %d };\n" %
          (config["beg_size"], config["end_size"], config["block_size"], config["min_file_size_for_dl"],
           config["padding_token"], len(asked)))
    print("enum { %s };\n" % ", ".join("IS_%s = %d" % (x.upper(), labels.index(x)) for x in SPECIAL))
    print("static const Type types[] = {")
    for x in labels:
        fact = facts[x]
        print("\t{%s, %s, %s, %s, %g, %d, %d}," %
              (c(x), c(fact["description"] or x), c(fact["group"] or "unknown"),
               c(fact["mime_type"] or ("text/plain" if fact["is_text"] else "application/octet-stream")),
               config["thresholds"].get(x, config["medium_confidence_threshold"]), fact["is_text"],
               labels.index(config["overwrite_map"].get(x, x))))
    print("};")


main(sys.argv[1])
