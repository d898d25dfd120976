/** Puts the operators of this folder in the place of the SDK's. */
import "./node-compatibility.js";
import "apache-beam";
import { ParDoPayload, type PTransform as TransformProto } from "apache-beam/proto/beam_runner_api";
import { deserializeFn } from "apache-beam/internal/serialize";
import * as urns from "apache-beam/internal/urns";
// Registers the direct runner's operators, some of which are replaced below.
import "apache-beam/runners/direct_runner";
import { groupByKey, impulse } from "apache-beam/transforms/internal";
import { parDo, type SplitOptions } from "apache-beam/transforms/pardo";
import { type WindowFn } from "apache-beam/transforms/window";
import { type Instant, type Window } from "apache-beam/values";
import {
  NonPromise,
  type OperatorContext,
  registerOperator,
  registerOperatorConstructor,
} from "apache-beam/worker/operators";
import { AsyncParDoOperator } from "./async-par-do-operator.js";
import { asyncDoFnUrn } from "./async-payload.js";
import "./bundle-processor.js";
import { DataSinkOperator } from "./data-sink-operator.js";
import { DataSourceOperator } from "./data-source-operator.js";
import {
  assignTimestampsOperator,
  identityOperator,
  splitOperator,
  windowIntoOperator,
} from "./element-wise-operators.js";
import { earliestInGlobalWindow } from "./global-window.js";
import { GroupByKeyOperator } from "./group-by-key-operator.js";
import { receiverOf } from "./par-do-scope.js";
import { reshuffleOperator } from "./reshuffle.js";
import { SyncParDoOperator } from "./sync-par-do-operator.js";
import type { WindowSpec } from "./windows.js";

registerOperatorConstructor(parDo.urn, (transformId, transform, context) => {
  const payload = ParDoPayload.fromBinary(transform.spec!.payload);
  const fn = payload.doFn!;
  switch (fn.urn) {
    case urns.SERIALIZED_JS_DOFN_INFO:
      return new SyncParDoOperator(transformId, transform, context, payload);
    case asyncDoFnUrn:
      return new AsyncParDoOperator(transformId, transform, context, payload);
    case urns.IDENTITY_DOFN_URN:
      return identityOperator(transformId, receiverOf(transform, context));
    case urns.JS_WINDOW_INTO_DOFN_URN: {
      const { windowFn } = deserializeFn(fn.payload) as { windowFn: WindowFn<Window> };
      return windowIntoOperator(
        transformId,
        receiverOf(transform, context),
        windowFn,
        windowSpecOf(transform, context),
      );
    }
    case urns.JS_ASSIGN_TIMESTAMPS_DOFN_URN: {
      const { func } = deserializeFn(fn.payload) as { func: (value: unknown, timestamp: Instant) => Instant };
      return assignTimestampsOperator(transformId, receiverOf(transform, context), func);
    }
    case urns.SPLITTING_JS_DOFN_URN:
      return splitOperator(transformId, transform, context, deserializeFn(fn.payload) as SplitOptions);
    default: {
      const operator = reshuffleOperator(fn.urn, transformId, transform, context);
      if (operator) return operator;
      throw new TypeError(
        `This worker does not know the kind of DoFn "${fn.urn}" of step ${transform.uniqueName}.`,
      );
    }
  }
});

registerOperator(groupByKey.urn, GroupByKeyOperator);

// The direct runner's source. The stock one drops the promise of the steps behind it, with which errors and the order of things get lost.
registerOperatorConstructor(impulse.urn, (transformId, transform, context) => {
  const receiver = receiverOf(transform, context);
  return {
    transformId,
    process: () => NonPromise,
    async startBundle() {
      await receiver.receive(earliestInGlobalWindow(new Uint8Array()));
    },
    finishBundle: () => Promise.resolve(),
  };
});

// The ends of a stage that a portable runner runs.
registerOperator("beam:runner:source:v1", DataSourceOperator);
registerOperator("beam:runner:sink:v1", DataSinkOperator);

function windowSpecOf(transform: TransformProto, { descriptor }: OperatorContext): WindowSpec {
  const output = descriptor.pcollections[Object.values(transform.outputs)[0]!]!;
  return descriptor.windowingStrategies[output.windowingStrategyId]!.windowFn!;
}
