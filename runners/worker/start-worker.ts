import type { SnapshotError } from "../../snapshot/index.js";
import { spreadWorker } from "./spread-worker.js";
import { startWorkerProcess, type WorkerProcess, type WorkerProcessOptions } from "./start-worker-process.js";
import type { WorkerProcessSettings } from "./worker-process.js";

/**
 * Starts a worker: a process, or several behind one worker id.
 * @param program As of startWorkerProcess
 * @param processes How many
 * @param onEnd Called when all processes have ended, or one has died
 */
export async function startWorker(
  program: string,
  settings: WorkerProcessSettings,
  processes: number,
  onEnd: (error: SnapshotError | undefined) => void,
  options?: WorkerProcessOptions,
): Promise<WorkerProcess> {
  if (processes === 1) return startWorkerProcess(program, settings, onEnd, options);
  const spread = await spreadWorker({ ...settings, processes });
  const started: WorkerProcess[] = [];
  let running = processes;
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.stop()));
    spread.close();
  };
  const onProcessEnd = (error: SnapshotError | undefined): void => {
    running--;
    if (error) spread.close();
    if (error) onEnd(error);
    else if (running === 0) {
      spread.close();
      onEnd(undefined);
    }
  };
  try {
    await Promise.all(
      spread.addresses.map(async (control) => {
        started.push(await startWorkerProcess(program, { ...settings, control }, onProcessEnd, options));
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
