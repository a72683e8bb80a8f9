"""A flag downloader of a book on asyncio, with aiohttp: LIST DIRECTORY CONNECTIONS."""
import asyncio
import sys
from pathlib import Path

import aiohttp


async def get_one(session, semaphore, url, directory):
    async with semaphore:
        async with session.get(url) as response:
            response.raise_for_status()
            body = await response.read()
    (directory / url.rsplit("/", 1)[1]).write_bytes(body)


async def supervisor(urls, directory, connections):
    semaphore = asyncio.Semaphore(connections)
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        to_do = [get_one(session, semaphore, url, directory) for url in urls]
        for future in asyncio.as_completed(to_do):
            await future


def main():
    listed, directory, connections = sys.argv[1:4]
    urls = Path(listed).read_text().split()
    asyncio.run(supervisor(urls, Path(directory), int(connections)))


main()
