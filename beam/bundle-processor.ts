/**
 * The life of a bundle, in the place of the SDK's: the same order of calls, with two differences. When a bundle fails, its operators are
 * told, so that asynchronous work ends and what was opened is closed before the error goes out. And nothing is printed: the SDK writes a
 * line to standard output for every bundle, in the middle of what a command line prints there.
 */
import "./node-compatibility.js";
import "apache-beam";
import { loggingLocalStorage } from "apache-beam/worker/logging";
import { type IOperator } from "apache-beam/worker/operators";
import { BundleProcessor } from "apache-beam/worker/worker";

export interface AbortableOperator {
  /** Called once for a bundle that failed, also when another operator did. Must not throw. */
  abortBundle(error: unknown): Promise<void>;
}

BundleProcessor.prototype.process = async function (
  this: BundleProcessor,
  instructionId: string,
): Promise<void> {
  this.metricsContainer.reset();
  this.currentBundleId = instructionId;
  this.loggingStageInfo.instructionId = instructionId;
  loggingLocalStorage.enterWith(this.loggingStageInfo);
  const operators = this.topologicallyOrderedOperators;
  try {
    // A source may start to emit at once, so whoever receives starts first.
    for (const operator of [...operators].reverse())
      await inStage(this, operator, () => operator.startBundle());
    for (const operator of operators) await inStage(this, operator, () => operator.finishBundle());
  } catch (error) {
    await Promise.allSettled(operators.filter(isAbortable).map((operator) => operator.abortBundle(error)));
    throw error;
  } finally {
    delete this.loggingStageInfo.transformId;
    delete this.loggingStageInfo.instructionId;
    delete this.currentBundleId;
    delete this.stateProvider;
  }
};

async function inStage(
  processor: BundleProcessor,
  operator: IOperator,
  step: () => Promise<void>,
): Promise<void> {
  processor.loggingStageInfo.transformId = operator.transformId;
  await step();
}

function isAbortable(operator: IOperator): operator is IOperator & AbortableOperator {
  return "abortBundle" in operator;
}
