// A NIfTI-1 file around voxels that are in memory, for NiiVue.
const TYPES = { Int16Array: [4, 16], Uint8Array: [2, 8] }

// voxels: first axis fastest; affine: rows of 4, voxel -> mm.
export function nifti(voxels, { shape, affine, spacing }, slope = 1) {
  const file = new ArrayBuffer(352 + voxels.byteLength)
  const view = new DataView(file)
  const [code, bits] = TYPES[voxels.constructor.name] ?? (voxels instanceof Int16Array ? TYPES.Int16Array : TYPES.Uint8Array)
  view.setInt32(0, 348, true)
  ;[3, ...shape, 1, 1, 1, 1].forEach((n, at) => view.setInt16(40 + 2 * at, n, true))
  view.setInt16(70, code, true)
  view.setInt16(72, bits, true)
  ;[1, ...spacing].forEach((step, at) => view.setFloat32(76 + 4 * at, step, true))
  view.setFloat32(108, 352, true)
  view.setFloat32(112, slope, true)
  view.setUint8(123, 2)
  view.setInt16(254, 1, true)
  affine.slice(0, 3).forEach((row, r) => row.forEach((value, c) => view.setFloat32(280 + 16 * r + 4 * c, value, true)))
  view.setUint32(344, 0x6e2b3100)
  new Uint8Array(file, 352).set(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength))
  return file
}
