/** `stint profiles`: the hardware profiles that ship. */
import { listProfiles } from '../sweep/profiles.ts'
import { answer } from './console.ts'
import type { Command } from './words.ts'

export const profilesCommand: Command<object> = {
  handler: () => {
    for (const profile of listProfiles()) {
      const settings = Object.entries(profile.settings).map(([key, value]) => `${key}: ${value}`)
      answer(`${profile.name}: ${profile.description}\n  ${settings.join(', ')}`)
    }
  },
}
