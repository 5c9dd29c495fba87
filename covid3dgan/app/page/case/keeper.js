// Saves corrections by themselves a moment after each change, and says whether they are saved.
import { ask, gzipped } from '../api.js'

const WAIT = 700 // ms after the last change
const AGAIN = 5000 // ms after a save that failed

export class Keeper {
  // onState(text, kind): kind is 'saved', 'busy' or 'failed'. onSaved(case).
  constructor(tab, onState, onSaved) {
    Object.assign(this, { tab, onState, onSaved, case: null, timer: null, running: null, dirty: false })
  }

  open(entry, mask) {
    Object.assign(this, { case: entry.id, revision: entry.revision, mask, dirty: false })
    this.onState(entry.revision ? 'Saved' : '', 'saved')
  }

  changed(wait = WAIT) {
    this.dirty = true
    this.onState('Saving \u2026', 'busy')
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.save(), wait)
  }

  // Waits until all that was changed is saved, or throws.
  async flush() {
    clearTimeout(this.timer)
    if (this.running) await this.running
    if (this.dirty) await this.save()
    if (this.dirty) throw new Error('The corrections are not saved yet.')
  }

  save() {
    if (this.running) return this.running.then(() => this.dirty && this.save())
    this.running = this.put().finally(() => { this.running = null })
    return this.running
  }

  async put() {
    this.dirty = false
    const { case: id, mask } = this
    try {
      const body = await gzipped(mask.hand)
      const answer = await ask('PUT', `/api/cases/${id}/hand`, { body, headers: { 'X-Tab': this.tab,
        'X-Threshold': String(mask.threshold), 'X-Revision': String(this.revision) } })
      const found = await answer.json()
      if (id !== this.case) return
      this.revision = found.revision
      this.onState('Saved', 'saved')
      this.onSaved(found)
    } catch (error) {
      if (id !== this.case) return
      this.dirty = true
      this.onState(`Not saved: ${error.message}`, 'failed')
      if (error.status !== 409) this.timer = setTimeout(() => this.save(), AGAIN)
    }
  }
}
