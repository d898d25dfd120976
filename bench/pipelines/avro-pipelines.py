"""The same work as the pipelines of this bench, by Beam's Python SDK on its local runner: Avro files in, Avro files out.

avro-pipelines.py make RECORDS.jsonl OUT.avro     Turns records, one a line, into an Avro file.
avro-pipelines.py map|merge INPUT_PATTERN OUTPUT  Runs a pipeline; prints the seconds that its run took, without imports.
"""

import json
import logging
import sys
import time

import fastavro

SCHEMA = {
    "type": "record",
    "name": "Todo",
    "fields": [
        {"name": "key", "type": "long"},
        {"name": "id", "type": "string"},
        {"name": "title", "type": "string"},
        {"name": "done", "type": "boolean"},
        {"name": "priority", "type": "int"},
        {"name": "createdAt", "type": "long"},
        {"name": "updatedAt", "type": "long"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "list", "type": "string"},
        {"name": "notes", "type": ["null", "string"]},
        {"name": "owner", "type": "string"},
    ],
}


def make(source, target):
    with open(source, encoding="utf-8") as lines, open(target, "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(SCHEMA), map(json.loads, lines), codec="deflate")


def toggle_done(record):
    return {**record, "done": not record["done"]}


def latest(group):
    return max(group[1], key=lambda record: record["updatedAt"])


def run(work, pattern, output):
    import apache_beam as beam
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    logging.disable(logging.WARNING)
    start = time.perf_counter()
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        records = pipeline | beam.io.ReadFromAvro(pattern)
        if work == "map":
            results = records | beam.Map(toggle_done)
        else:
            results = (
                records
                | "key" >> beam.Map(lambda record: (record["key"], record))
                | beam.GroupByKey()
                | "latest" >> beam.Map(latest)
            )
        results | beam.io.WriteToAvro(output, SCHEMA, codec="deflate", num_shards=1)
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    task, *paths = sys.argv[1:]
    if task == "make":
        make(*paths)
    else:
        run(task, *paths)
