# Sluice's gateway and worker in one image: `docker run IMAGE gateway`, `docker run IMAGE worker`.
# There is no build step: Node runs the TypeScript sources as they are.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:${NODE_VERSION}-bookworm-slim AS sources
WORKDIR /app
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src
# Files keep the rights they have in the checkout; with a strict umask the image's user could not read them.
RUN chmod -R a+rX .

FROM node:${NODE_VERSION}-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="sluice" \
  org.opencontainers.image.description="An open, OpenFaaS-compatible queue for asynchronous function calls on NATS JetStream, and the worker that serves it" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.created="${CREATED}"
# Nothing is written, so nothing that was compiled can be kept either.
ENV NODE_ENV=production NODE_DISABLE_COMPILE_CACHE=1
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=sources /app ./

# A number, so that Kubernetes can see that it is not root (runAsNonRoot); it is the image's user "node".
USER 1000:1000
# The gateway, and the operations ports of worker and gateway.
EXPOSE 8080 8081 8082
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["node", "/app/bin/healthcheck"]
# The exec form: signals reach the program, which lets running calls finish, and not a shell. Not src/main.ts: as the
# first process of a container Node would miss a signal that comes while the program loads.
ENTRYPOINT ["node", "/app/bin/sluice"]
CMD ["--help"]
