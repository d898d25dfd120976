import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Plugin } from "esbuild";

const fromHere = createRequire(import.meta.url);

/** The compiled file behind a subpath of this package, such as "beam-indexeddb/beam", also when this module itself runs from its source. */
export function ownModule(subpath: string): string {
  return fromHere.resolve(subpath);
}

/**
 * Makes a bundle in which this package and the SDK are there once, whichever copies the user's modules would find: functions are registered in a list
 * of the SDK, and a second copy of it would have a second list.
 */
export function ownPackages(): Plugin {
  return {
    name: "own-packages",
    setup(build) {
      build.onResolve({ filter: /^(?:beam-indexeddb|apache-beam)(?:\/|$)/ }, ({ path }) => ({
        path: fromHere.resolve(path),
      }));
      build.onLoad({ filter: /[\\/]beam[\\/]sdk-dependency\.js$/ }, () => ({
        contents: sdkDependency(),
        resolveDir: dirname(fromHere.resolve("apache-beam")),
        loader: "js",
      }));
    },
  };
}

/** What beam/sdk-dependency.ts finds at run time, with paths that a bundler can follow. */
function sdkDependency(): string {
  const fromSdk = createRequire(fromHere.resolve("apache-beam"));
  const closures = fromSdk.resolve("serialize-closures");
  const besideClosures = createRequire(closures);
  const required = (path: string): string => `require(${JSON.stringify(path)})`;
  return [
    `export const { defaultBuiltins } = ${required(closures)};`,
    `export const serializeModule = ${required(besideClosures.resolve("./serialize"))};`,
    `export const deserializeModule = ${required(besideClosures.resolve("./deserialize"))};`,
    `export const { SerializedGraph } = ${required(besideClosures.resolve("./serializedGraph"))};`,
    `export const { Reader: ProtobufReader, Writer: ProtobufWriter } = ${required(fromSdk.resolve("protobufjs"))};`,
  ].join("\n");
}
