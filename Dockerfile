# Masks for CTs on a CPU, without TensorFlow and without a network at run time:
#   docker build -t covid3dgan .
#   docker run --rm --network none --user "$(id -u)" -v "$PWD:/data" covid3dgan predict my_ct masks
FROM python:3.11-slim
WORKDIR /source
COPY setup.py pyproject.toml README.md LICENSE ./
COPY covid3dgan covid3dgan
RUN pip install --no-cache-dir ".[dicom-seg]" && rm -rf /source
# Users without a home of their own: matplotlib's cache, the only thing written outside of the output.
ENV MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
ENTRYPOINT ["covid3dgan"]
CMD ["--help"]
