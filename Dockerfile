# The dashboard as an image, and Sluice in status-file mode: see compose.yaml.
# The context is a checkout. Gates and cuts take the host's kernel and engines:
# for those scripts/install.sh is the way.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund
RUN npm pack --silent --pack-destination /tmp
RUN mkdir /opt/sluice && tar -xzf /tmp/sluice-*.tgz -C /opt/sluice --strip-components=1

FROM node:24-bookworm-slim
# sluice web cert makes certificates by openssl.
RUN apt-get update && apt-get install -y --no-install-recommends openssl && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/sluice /opt/sluice
RUN ln -s /opt/sluice/scripts/sluice /usr/local/bin/sluice
# As systemd/sluice.sysusers has them. On a host whose enforcer runs outside, its own numbers are to be used: compose.yaml says how.
RUN groupadd --system sluice
RUN groupadd --system --gid 987 sluice-web
RUN useradd --system --uid 987 --gid sluice-web --home-dir /var/lib/sluice-web --shell /usr/sbin/nologin sluice-web
RUN install -d -m 0700 -o sluice-web -g sluice-web /var/lib/sluice-web
RUN install -d -m 0755 /etc/myvpn /var/lib/sluice /run/sluice
EXPOSE 8787
USER sluice-web
HEALTHCHECK --interval=30s --timeout=5s CMD ["node", "-e", "fetch('http://127.0.0.1:8787/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["sluice"]
CMD ["web"]
