/** The hardware profiles that ship, side by side. */

import { STINT_VERSION } from '../../package-folder.ts'
import type { Profile } from '../../sweep/profiles.ts'
import { columnsOf, type Report } from '../section.ts'
import { scalarText } from '../words.ts'

export function profilesReport(profiles: readonly Profile[]): Report {
  const keys = [...new Set(profiles.flatMap(({ settings }) => Object.keys(settings)))]
  const textOf = ({ settings }: Profile, key: string) =>
    Object.hasOwn(settings, key) ? scalarText(settings[key]) : '—'
  return {
    kind: 'profiles',
    title: 'Hardware profiles',
    subtitle: 'A sweep names them under "profiles"; a profile of your own is a YAML file, named by its path.',
    answer: { text: profiles.map(({ name }) => name).join(', '), tone: 'strong' },
    sections: [
      {
        id: 'descriptions',
        title: 'What they stand for',
        blocks: [
          {
            kind: 'list',
            items: profiles.map(({ name, description }) => ({ text: `${name}: ${description}` })),
          },
        ],
      },
      {
        id: 'settings',
        title: 'What they set',
        blocks: [
          {
            kind: 'table',
            table: {
              columns: columnsOf(keys, [
                { head: 'Setting', short: 'setting', type: 'text', cell: (key) => ({ text: key }) },
                ...profiles.map((profile) => ({
                  head: profile.name,
                  type: 'number' as const,
                  cell: (key: string) => ({ text: textOf(profile, key) }),
                })),
              ]),
              note: 'A dash: as the sweep says.',
            },
          },
        ],
      },
    ],
    tables: [
      {
        file: 'profiles.csv',
        columns: [
          ['setting', keys],
          ...profiles.map(
            (profile) => [profile.name, keys.map((key) => profile.settings[key] ?? null)] as const,
          ),
        ],
      },
    ],
    checks: [],
    data: { profiles: [...profiles] },
    footer: `Shipped with Stint ${STINT_VERSION}.`,
    file: 'profiles',
    source: null,
    elapsed_s: null,
  }
}
