#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""gnuradio_reads.py META OUT: what GNU Radio reads from a SigMF recording, as complex64 (pairs of
float32). Prints the sample rate. Exit code 77: GNU Radio is not there."""
import json
import sys

try:
    from gnuradio import blocks, gr
except ImportError:
    sys.exit(77)

meta, out = sys.argv[1:]
with open(meta, encoding="utf-8") as f:
    head = json.load(f)["global"]
data = meta.removesuffix("meta") + "data"

graph = gr.top_block()
sink = blocks.file_sink(gr.sizeof_gr_complex, out)
if head["core:datatype"] == "ci16_le":
    source = blocks.file_source(gr.sizeof_short, data, False)
    graph.connect(source, blocks.interleaved_short_to_complex(False, False, 1.0), sink)
elif head["core:datatype"] == "cf32_le":
    graph.connect(blocks.file_source(gr.sizeof_gr_complex, data, False), sink)
else:
    sys.exit(f"{meta}: datatype {head['core:datatype']} is none of ours")
graph.run()
print(f"{head['core:sample_rate']:.17g}")
