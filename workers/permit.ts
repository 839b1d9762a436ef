/** How a process of a run tells the coordinator how far it is, and waits until it may go on. */
import type { TrialPermit, TrialSignal } from './protocol/trial-process.ts'

export function signalCoordinator(stint: TrialSignal['stint']): void {
  process.send?.({ stint } satisfies TrialSignal)
}

/** Tells the coordinator how far this trial process is and waits until its caps are in force. */
export function permit(stint: 'empty' | 'warm'): Promise<TrialPermit> {
  return new Promise((resolve) => {
    const hear = (message: Partial<TrialPermit>) => {
      if (message.stint !== 'go') return
      process.off('message', hear)
      resolve(message as TrialPermit)
    }
    process.on('message', hear)
    signalCoordinator(stint)
  })
}
