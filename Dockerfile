# Nothing but the static binary, and a folder to spill to. `.ci/static` makes both; no image is pulled.
FROM scratch
COPY target/image/cos-emu /cos-emu
# A volume that is mounted there becomes the user's.
COPY --chown=65532:65532 target/image/tmp /tmp
ENV COS_EMU_LISTEN=0.0.0.0:3077
EXPOSE 3077
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s --retries=3 CMD ["/cos-emu", "ready"]
LABEL org.opencontainers.image.title="cos-emu" \
      org.opencontainers.image.description="Emulates Tencent Cloud COS and CAS, and breaks uploads and downloads exactly as a scenario says" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
ENTRYPOINT ["/cos-emu"]
