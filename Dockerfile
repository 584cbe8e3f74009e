# The packages are put together in one stage and run in another, without a compiler and as no root.
FROM python:3.12-slim AS build
RUN python -m venv /opt/atelier
ENV PATH=/opt/atelier/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock ./
RUN pip install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
COPY adapters ./adapters
COPY core ./core
RUN pip install --no-deps .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home atelier
COPY --from=build /opt/atelier /opt/atelier
ENV PATH=/opt/atelier/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ATELIER_WEB__LISTEN=0.0.0.0:8080 \
    ATELIER_STORE__URL=sqlite:////data/atelier.db \
    ATELIER_ARCHIVE__DIR=/data/archive
USER atelier
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["atelier"]
CMD ["run"]
