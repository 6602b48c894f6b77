/** Control characters, and those that turn text around or hide it, as `\u{202e}`: what is printed is what stands there. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, (character) => (character === '\n' ? ' ' : `\\u{${character.codePointAt(0)!.toString(16)}}`));
}

/**
 * Foreign text as code in Markdown that GitHub and GitLab show, where it acts on nothing: no mention, link, reference, label, HTML, formula or
 * end of a table cell. Both leave code alone when they look for mentions and references; characters that Markdown reads are written as
 * numbers, which it shows and does not read.
 */
export function code(text: string, longest = 600): string {
  const shown = visible(text);
  const short = shown.length > longest ? `${shown.slice(0, longest).replace(/\p{Cs}$/u, '')}… (${shown.length - longest} more characters)` : shown;
  const escaped = short.replaceAll(/(?!: )[^\p{L}\p{N} ,;./=→…·()?'"-]|(?<=www)\./giu, (character) => `&#${character.codePointAt(0)};`);
  return `<code>${escaped.trim() ? escaped : '&#32;'}</code>`;
}

/** Text of at most `width` columns a line, `indent` before each; words longer than a line are cut. */
export function wrapped(text: string, indent: string, width = 100): string {
  const room = width - indent.length;
  const lines: string[] = [];
  let line = '';
  for (const word of visible(text).split(' ').flatMap((each) => each.match(new RegExp(`.{1,${room}}`, 'gu')) ?? [''])) {
    if (line && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].map((each) => `${indent}${each}`).join('\n');
}
