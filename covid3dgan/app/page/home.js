// The list: every CT with its state, what was found, and what can be done with it.
import { get, send } from './api.js'
import { millilitres } from './case/panel.js'
import { find, make } from '../../viewer/page/elements.js'
import { uploads } from './upload.js'

const STAGES = { waiting: 'Waiting', read: 'Reading', lungs: 'Finding the lungs', network: 'Finding lesions' }
const STATES = { queued: 'Waiting', running: 'Working', failed: 'Failed', cancelled: 'Cancelled' }

export class Home {
  // onOpen(case), onProblem(text), onState(state): each answer of the server.
  constructor(onOpen, onProblem, onState) {
    Object.assign(this, { onOpen, onProblem, onState, rows: new Map(), timer: null, picked: false })
    uploads(() => this.refresh(), onProblem)
    find('pick-add').onclick = () => this.act(send('POST', '/api/picks', { id: find('pick').value }))
    find('data-set').onclick = () => this.dataSet()
  }

  async refresh() {
    clearTimeout(this.timer)
    let busy = true
    try {
      const state = await get('/api/state')
      this.show(state)
      this.onState(state)
      busy = state.cases.some(({ state: now }) => now === 'queued' || now === 'running')
      if (state.picks && !this.picked) this.picks(state.picks)
      if (this.away) this.onProblem('')
      this.away = false
    } catch (error) {
      this.away = true
      this.onProblem(error.message)
    }
    this.timer = setTimeout(() => this.refresh(), busy ? 700 : 4000)
  }

  async picks(folder) {
    this.picked = true
    find('pick-folder').textContent = folder
    try {
      const { picks } = await get('/api/picks')
      find('pick').replaceChildren(...picks.map((id) => make('option', { value: id, textContent: id })))
      find('pick-row').hidden = !picks.length
    } catch (error) {
      this.onProblem(error.message)
    }
  }

  show({ cases, folder }) {
    find('work-folder').textContent = folder
    find('cases').hidden = !cases.length
    find('empty').hidden = cases.length > 0
    find('data-set').disabled = !cases.some((entry) => entry.hand || entry.checked)
    const known = new Map()
    for (const entry of cases) {
      const text = JSON.stringify(entry)
      const before = this.rows.get(entry.id)
      known.set(entry.id, before?.text === text ? before : { text, element: this.row(entry, before?.element) })
    }
    const body = find('rows')
    const wanted = [...known.values()].map(({ element }) => element)
    for (const row of [...body.children]) if (!wanted.includes(row)) row.remove()
    wanted.forEach((row, at) => body.children[at] !== row && body.insertBefore(row, body.children[at] ?? null))
    this.rows = known
  }

  // Filled anew in place, so that the focus stays where it is.
  row(entry, row = make('tr')) {
    const held = row.contains(document.activeElement) ? document.activeElement.dataset.act : null
    const { facts } = entry
    const done = entry.state === 'done'
    const name = done
      ? make('button', { className: 'open', textContent: entry.name, onclick: () => this.onOpen(entry.id) })
      : make('span', { textContent: entry.name })
    name.dataset.act = 'open'
    const share = (side) => (facts ? `${facts[`${side}_infection_rate_percent`].toFixed(1)} %` : '')
    row.replaceChildren(make('th', { scope: 'row' }, name), make('td', { textContent: entry.patient }),
      make('td', { textContent: entry.date }), make('td', { textContent: facts ? `${millilitres(facts.infection_ml)} ml` : '' }),
      make('td', { textContent: share('right') }), make('td', { textContent: share('left') }),
      make('td', {}, ...this.state(entry)), make('td', { className: 'acts' }, ...this.acts(entry)))
    row.dataset.state = entry.state
    if (held) row.querySelector(`[data-act="${held}"]`)?.focus()
    return row
  }

  state(entry) {
    if (entry.state === 'done') {
      return [[entry.hand && 'Changed by hand', entry.checked && 'Checked'].filter(Boolean).join(', ') || 'As the network found it']
    }
    if (entry.error) return [make('span', { className: 'problem', textContent: entry.error })]
    if (!entry.stage) return [STATES[entry.state]]
    const left = entry.left < 2 ? 'almost done' : `about ${entry.left < 90 ? `${entry.left} s` : `${Math.round(entry.left / 60)} min`} left`
    const text = `${STAGES[entry.stage]}, ${left}`
    return [text, ...(entry.state === 'running' ? [make('progress', { ariaLabel: text })] : [])]
  }

  acts(entry) {
    const act = (what, text, work) => {
      const button = make('button', { textContent: text, ariaLabel: `${text}: ${entry.name}`, onclick: work })
      button.dataset.act = what
      return button
    }
    const address = `/api/cases/${entry.id}`
    if (entry.state === 'queued' || entry.state === 'running') {
      return [act('cancel', 'Cancel', () => this.act(send('POST', `${address}/cancel`)))]
    }
    const again = act('again', 'Try again', () => this.act(send('POST', `${address}/again`)))
    const remove = act('remove', 'Remove', () => {
      const kept = entry.hand ? ' Its corrections are deleted, too.' : ''
      if (confirm(`Remove ${entry.name} from the list?${kept}`)) this.act(send('DELETE', address))
    })
    return entry.state === 'done' ? [remove] : [again, remove]
  }

  async act(request) {
    try {
      await request
    } catch (error) {
      this.onProblem(error.message)
    }
    this.refresh()
  }

  async dataSet() {
    find('data-set-path').textContent = 'Writing \u2026'
    try {
      const { path, count } = await send('POST', '/api/data-set')
      find('data-set-path').textContent = `${count} ${count === 1 ? 'CT with its mask' : 'CTs with their masks'}: ${path}`
    } catch (error) {
      find('data-set-path').textContent = ''
      this.onProblem(error.message)
    }
  }
}
