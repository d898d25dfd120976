import type { MonitoringInfo } from "../../beam/model.js";

/** Short ids that stand for a metric's name and labels, so that each report need not repeat them. No two processes of a machine give the same. */
export interface MetricIds {
  idOf(info: MonitoringInfo): string;
  /** What ids stand for, without payloads. Ids that this worker never gave are not in it. */
  infosOf(ids: readonly string[]): Record<string, MonitoringInfo>;
}

export function metricIds(): MetricIds {
  const idByKey = new Map<string, string>();
  const infoById = new Map<string, MonitoringInfo>();
  return {
    idOf({ urn, type, labels }) {
      const key = JSON.stringify([urn, Object.entries(labels).sort()]);
      let id = idByKey.get(key);
      if (id === undefined) {
        id = `${process.pid}m${idByKey.size}`;
        idByKey.set(key, id);
        infoById.set(id, { urn, type, labels, payload: new Uint8Array() });
      }
      return id;
    },
    infosOf(ids) {
      const infos: Record<string, MonitoringInfo> = {};
      for (const id of ids) {
        const info = infoById.get(id);
        if (info) infos[id] = info;
      }
      return infos;
    },
  };
}
