# Workers of beam-indexeddb in a container: Node and Beam's boot program. One image serves all pipelines, whose modules come with the job.
#   npm run build && docker build -t REGISTRY/beam-indexeddb-worker:1 .            (in this repository)
#   docker build -t REGISTRY/beam-indexeddb-worker:1 node_modules/beam-indexeddb   (in a project that uses the package)
FROM node:20-slim
# Native code can't come with the job. Add what else your steps load with createRequire.
RUN npm install --prefix /opt/apache/beam --no-audit --no-fund libsql@0.5.29
COPY --chmod=755 dist/boot.cjs /opt/apache/beam/boot
ENTRYPOINT ["/opt/apache/beam/boot"]
