/** `stint profiles`: the hardware profiles that ship. */
import type { CommandModule } from 'yargs'
import { listProfiles } from '../sweep/profiles.ts'
import { answer } from './console.ts'

export const profilesCommand: CommandModule = {
  command: 'profiles',
  describe: 'list the hardware profiles that a sweep can name',
  handler: () => {
    for (const profile of listProfiles()) {
      const settings = Object.entries(profile.settings).map(([key, value]) => `${key}: ${value}`)
      answer(`${profile.name}: ${profile.description}\n  ${settings.join(', ')}`)
    }
  },
}
