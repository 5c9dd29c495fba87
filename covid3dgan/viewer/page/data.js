// The data blocks of the page: what Python wrote, decoded when a case is shown.

export function about() {
  return JSON.parse(document.getElementById('cases').textContent)
}

// The bytes of an uncompressed NIfTI file, or null where the case has no such volume.
export async function volume(number, name) {
  const block = document.getElementById(`case-${number}-${name}`)
  if (!block) return null
  const packed = fromBase64(block.textContent)
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream).arrayBuffer()
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text)
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

// What the page needs of a NIfTI-1 header: the size, the affine (rows of 4), scale and offset, and the voxels.
export function nifti(buffer) {
  const view = new DataView(buffer)
  const shape = [1, 2, 3].map((axis) => view.getInt16(40 + 2 * axis, true))
  const affine = [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => view.getFloat32(280 + 16 * row + 4 * column, true)))
  const start = view.getFloat32(108, true)
  return { shape, affine, slope: view.getFloat32(112, true), intercept: view.getFloat32(116, true),
    voxels: new Uint8Array(buffer, start) }
}
