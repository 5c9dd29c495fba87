// Requests to this page's own server; what it refuses is an Error with its sentence.

export async function ask(method, path, { json, body, headers, signal, keepalive } = {}) {
  let answer
  try {
    answer = await fetch(path, { method, signal, keepalive, body: json === undefined ? body : JSON.stringify(json),
      headers: { ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers } })
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new Error('The app does not answer: start covid3dgan app again.')
  }
  if (!answer.ok) throw Object.assign(new Error((await answer.text()) || `${answer.status}`), { status: answer.status })
  return answer
}

export const get = async (path) => (await ask('GET', path)).json()
export const send = async (method, path, json = {}) => (await ask(method, path, { json })).json()

// A volume of a case as bytes, or null where there is none.
export async function volume(id, name) {
  const answer = await ask('GET', `/api/cases/${id}/volumes/${name}`)
  if (answer.status === 204) return null
  return new Response(answer.body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()
}

export function gzipped(bytes) {
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))).blob()
}
