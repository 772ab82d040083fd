# The worker: `docker build -t studycast .`   The emulators for trying it out: `docker build --target emulators -t studycast-emulators .`
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Not --omit=optional: the compiler's binary is an optional package. The npm package that brings Node 24 stays empty without its script.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM build AS emulators
USER node
ENTRYPOINT ["node"]
CMD ["emulators/dicom/main.ts", "--host", "0.0.0.0", "--port", "8080"]

FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
# Redis is in the image, so that one container with a volume is a complete deployment for one machine (REDIS_URL unset).
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
  && install -d -m 0700 -o node -g node /data
WORKDIR /app
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY bin ./bin
ENV NODE_ENV=production DATA_DIR=/data HTTP_PORT=8080
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=30", "bin/studycast.cjs"]
CMD ["start"]
