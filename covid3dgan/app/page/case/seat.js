// Who corrects a CT that is open in several tabs: the first; a later one is told so, and may take over.
import { send } from '../api.js'
import { find } from '../../../viewer/page/elements.js'

const HEARTBEAT = 4000 // ms; a tab that is silent for three of them loses its seat
const FOR_ONE = ['tool', 'brush-tools', 'fill', 'undo', 'redo', 'threshold', 'threshold-reset', 'keep', 'delete', 'name',
  'patient', 'date', 'checked']

export class Seat {
  constructor(page) {
    this.page = page
    this.tab = crypto.randomUUID()
    this.mine = true
    find('take-seat').onclick = () => this.claim(true)
  }

  async begin() {
    clearInterval(this.beat)
    await this.claim(false)
    this.beat = setInterval(() => this.claim(false), HEARTBEAT)
  }

  leave() {
    clearInterval(this.beat)
    send('POST', `/api/cases/${this.page.id}/seat`, { tab: this.tab, leave: true }).catch(() => {})
  }

  async claim(take) {
    const { id } = this.page
    let mine
    try {
      mine = (await send('POST', `/api/cases/${id}/seat`, { tab: this.tab, take })).mine
    } catch {
      return // the server is away for a moment: what is not saved says so by itself
    }
    if (id !== this.page.id) return
    if (take && mine) {
      clearInterval(this.beat)
      return this.page.reopen()
    }
    this.mine = mine
    find('seat').hidden = mine
    find('seat').querySelector('p').textContent = 'This CT is open in another tab, which corrects it. Here you can only look.'
    for (const field of FOR_ONE) find(field).toggleAttribute('inert', !mine)
    if (!mine) this.page.press.tool('cross')
  }
}
