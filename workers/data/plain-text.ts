/** Text from anywhere, fit for a terminal. */

/** Names and messages come from users and their code: no control character may reach a terminal or a page. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, (character) =>
    character === '\n' || character === '\t' || character === '\r' ? ' ' : '\ufffd',
  )
}
