"""A flag downloader of a book on asyncio, with httpx: LIST DIRECTORY CONNECTIONS."""
import asyncio
import sys
from pathlib import Path

import httpx


async def get_one(client, semaphore, url, directory):
    async with semaphore:
        response = await client.get(url, timeout=30, follow_redirects=True)
        response.raise_for_status()
    (directory / url.rsplit("/", 1)[1]).write_bytes(response.content)


async def supervisor(urls, directory, connections):
    semaphore = asyncio.Semaphore(connections)
    # By default it keeps 20 connections and opens the others for each request anew.
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(limits=limits) as client:
        to_do = [get_one(client, semaphore, url, directory) for url in urls]
        for future in asyncio.as_completed(to_do):
            await future


def main():
    listed, directory, connections = sys.argv[1:4]
    urls = Path(listed).read_text().split()
    asyncio.run(supervisor(urls, Path(directory), int(connections)))


main()
