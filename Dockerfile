# A runner of batches: docs/cluster.md.
FROM node:24-slim AS package
WORKDIR /source
COPY . .
RUN npm ci && npm pack --pack-destination /tmp

FROM node:24-slim
COPY --from=package /tmp/halyard-*.tgz /tmp/
RUN npm install --global /tmp/halyard-*.tgz && rm /tmp/halyard-*.tgz
RUN mkdir /files && chown node /files
USER node
WORKDIR /files
ENV HALYARD_LISTEN=0.0.0.0 HALYARD_PORT=7410 HALYARD_HEALTH_PORT=7411
EXPOSE 7410 7411
HEALTHCHECK CMD node -e "fetch('http://127.0.0.1:' + process.env.HALYARD_HEALTH_PORT + '/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"
# The address of the container is the one under which other runners reach it.
ENTRYPOINT ["/bin/sh", "-c", "HALYARD_HOST=${HALYARD_HOST:-$(hostname -i | cut -d ' ' -f 1)} exec halyard runner \"$@\"", "halyard"]
