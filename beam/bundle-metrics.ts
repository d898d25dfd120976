/**
 * A bundle's metrics in the form of Beam's model, in the place of the SDK's, which names the step under a label that runners do not know
 * (Flink and Spark drop the metric), leaves the namespace empty, and writes a distribution with a length in front.
 */
import "./node-compatibility.js";
import "apache-beam";
import { type MonitoringInfo } from "apache-beam/proto/metrics";
import { type MetricsContainer } from "apache-beam/worker/metrics";
import { ProtobufWriter } from "./sdk-dependency.js";

const namespace = "user";

interface Cell {
  readonly name?: string | undefined;
  readonly transformId?: string | undefined;
  readonly pcollectionId?: string | undefined;
  readonly is_set: boolean;
  readonly value: { readonly value: number } | DistributionCell;
}

interface DistributionCell {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** All that a bundle has counted so far; what it did not touch is not in it. */
export function bundleMetrics(container: MetricsContainer): MonitoringInfo[] {
  const infos: MonitoringInfo[] = [];
  for (const cell of container.metrics.values() as Iterable<unknown> as Iterable<Cell>) {
    if (cell.is_set) infos.push(infoOf(cell));
  }
  return infos;
}

/** Where in its input a bundle is: runners tell by it whether a bundle goes on, and where it may be split. */
export function readIndexInfo(transformId: string, index: number): MonitoringInfo {
  return {
    urn: "beam:metric:data_channel:read_index:v1",
    type: "beam:metrics:sum_int64:v1",
    labels: { PTRANSFORM: transformId },
    payload: integers(index),
  };
}

function infoOf({ name, transformId, pcollectionId, value }: Cell): MonitoringInfo {
  if (pcollectionId !== undefined) {
    return {
      urn: "beam:metric:element_count:v1",
      type: "beam:metrics:sum_int64:v1",
      labels: { PCOLLECTION: pcollectionId },
      payload: integers((value as { value: number }).value),
    };
  }
  const labels = { NAMESPACE: namespace, NAME: name!, PTRANSFORM: transformId! };
  if ("count" in value) {
    return {
      urn: "beam:metric:user:distribution_int64:v1",
      type: "beam:metrics:distribution_int64:v1",
      labels,
      payload: integers(value.count, value.sum, value.min, value.max),
    };
  }
  return {
    urn: "beam:metric:user:sum_int64:v1",
    type: "beam:metrics:sum_int64:v1",
    labels,
    payload: integers(value.value),
  };
}

function integers(...values: number[]): Uint8Array {
  const writer = new ProtobufWriter();
  for (const value of values) writer.int64(value);
  return Uint8Array.from(writer.finish());
}
