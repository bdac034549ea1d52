/** A browser without scripts: keeps cookies by path, follows redirects, fills in forms. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly html: string;
}

export class Browser {
  private readonly cookies = new Map<string, { value: string; path: string }>();
  /** Every body seen, for the search for secrets. */
  readonly seen: string[] = [];

  async open(url: string, form?: Readonly<Record<string, string>>): Promise<Page> {
    let at = url;
    let body = form && new URLSearchParams(form);
    for (let hops = 0; hops < 10; hops += 1) {
      const { pathname } = new URL(at);
      const cookie = [...this.cookies]
        .flatMap(([name, { value, path }]) => (pathname.startsWith(path) ? [`${name}=${value}`] : []))
        .join('; ');
      const response = await fetch(at, {
        method: body ? 'POST' : 'GET',
        redirect: 'manual',
        headers: { cookie, accept: 'text/html' },
        ...(body ? { body } : {}),
      });
      for (const line of response.headers.getSetCookie()) {
        const [pair = '', ...attributes] = line.split('; ');
        const [name = '', value = ''] = pair.split('=');
        const path = attributes.find((each) => each.toLowerCase().startsWith('path='))?.slice(5) ?? '/';
        if (value) this.cookies.set(name, { value, path });
        else this.cookies.delete(name);
      }
      const html = await response.text();
      this.seen.push(html);
      const next = response.headers.get('location');
      if (!next) return { url: at, status: response.status, html };
      at = new URL(next, at).href;
      body = undefined;
    }
    throw new Error('too many redirects');
  }

  /** Sends the first form of the page with its hidden fields and these. */
  submit(page: Page, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
    const action = /<form[^>]*action="([^"]+)"/.exec(page.html)?.[1];
    if (!action) throw new Error(`no form on the page: ${page.html}`);
    const form = /<form[\s\S]*?<\/form>/.exec(page.html)?.[0] ?? '';
    const hidden = Object.fromEntries(
      [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    );
    return this.open(new URL(action, page.url).href, { ...hidden, ...fields });
  }
}
