# Ends every family: its bill of materials, a layer of its own on top of what the family's Dockerfile made (`contents`).
FROM build AS bill
ARG SOURCE_DATE_EPOCH
ARG NAME
ARG BELOW
RUN --mount=type=bind,from=scripts,target=/scripts \
    --mount=type=bind,from=cyclonedx,target=/cyclonedx \
    --mount=type=bind,from=known,target=/known \
    --mount=type=bind,from=parent,target=/parent \
    --mount=type=bind,from=contents,target=/image \
    /scripts/write-bill "$NAME" "$BELOW"

FROM contents AS runtime
COPY --link --from=bill /tree/ /
