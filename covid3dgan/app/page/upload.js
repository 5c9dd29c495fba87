// Sends dropped or chosen files: each NIfTI or zip file is an upload of its own, all others together are one DICOM study.
import { ask, send } from './api.js'
import { find, make } from '../../viewer/page/elements.js'

const ALONE = /\.(nii|nii\.gz|zip)$/i
const AT_ONCE = 3

export function uploads(onAdded, onProblem) {
  const take = (files) => groups(files).forEach((group) => upload(group, onAdded, onProblem))
  for (const id of ['files', 'folder']) {
    find(id).onchange = () => {
      take([...find(id).files].map((file) => ({ file, path: file.webkitRelativePath || file.name })))
      find(id).value = ''
    }
  }
  window.addEventListener('dragover', (event) => {
    event.preventDefault()
    find('drop').classList.add('over')
  })
  window.addEventListener('dragleave', () => find('drop').classList.remove('over'))
  window.addEventListener('drop', async (event) => {
    event.preventDefault()
    find('drop').classList.remove('over')
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)
    const plain = [...event.dataTransfer.files]
    take(entries.length ? (await Promise.all(entries.map(inside))).flat() : plain.map((file) => ({ file, path: file.name })))
  })
}

// [{ file, path }] of a dropped file or folder.
async function inside(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed))
    return [{ file, path: entry.fullPath.replace(/^\//, '') }]
  }
  const reader = entry.createReader()
  const found = []
  for (;;) { // a reader hands out a hundred entries at a time
    const some = await new Promise((done, failed) => reader.readEntries(done, failed))
    if (!some.length) break
    found.push(...some)
  }
  return (await Promise.all(found.map(inside))).flat()
}

export function groups(files) {
  const seen = files.filter(({ path }) => !path.split('/').some((part) => part.startsWith('.')))
  const alone = seen.filter(({ path }) => ALONE.test(path))
  const others = seen.filter(({ path }) => !ALONE.test(path))
  // Files without a folder get one: what is in it is named after it.
  const rest = others.length < 2 ? others : others.map(({ file, path }) => ({ file, path: path.includes('/') ? path : `DICOM/${path}` }))
  return [...alone.map((item) => ({ name: item.path.split('/').pop(), files: [item] })),
    ...(rest.length ? [{ name: rest[0].path.split('/')[0], files: rest }] : [])]
}

async function upload({ name, files }, onAdded, onProblem) {
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0)
  // How much of one file is there, fetch does not tell.
  const bar = make('progress', { ariaLabel: `Upload of ${name}`, ...(files.length > 1 ? { max: Math.max(1, bytes), value: 0 } : {}) })
  const stop = new AbortController()
  const cancel = make('button', { textContent: 'Cancel', ariaLabel: `Cancel the upload of ${name}`, onclick: () => stop.abort() })
  const line = make('li', {}, make('span', { textContent: name }), bar, cancel)
  find('uploads').append(line)
  let id
  try {
    id = (await send('POST', '/api/uploads', { name: name.replace(ALONE, ''), bytes })).upload
    const waiting = [...files]
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        await ask('PUT', `/api/uploads/${id}/file?name=${encodeURIComponent(next.path)}`, { body: next.file, signal: stop.signal })
        if (files.length > 1) bar.value += next.file.size
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    await send('POST', `/api/uploads/${id}/done`)
    onAdded()
  } catch (error) {
    if (id) ask('DELETE', `/api/uploads/${id}`).catch(() => {})
    if (error.name !== 'AbortError') onProblem(`${name}: ${error.message}`)
  } finally {
    line.remove()
  }
}
