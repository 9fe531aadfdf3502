"""The package's own sample application and server; what the sample leaves open is filled in with as little as there can be: its state is a count in memory."""
import asyncio
import hashlib
import sys

from abci.abc import Application
from abci.samples import SimpleApp
from abci.server import Server
from abci.types import RequestCommit, RequestFinalizeBlock, RequestInfo, ResponseCommit, ResponseFinalizeBlock, ResponseInfo


class Counter(SimpleApp):
    def __init__(self):
        super().__init__(lambda height: None)
        self.height, self.count, self.pending = 0, 0, (0, 0)

    def hash(self, count):
        return hashlib.sha256(str(count).encode()).digest()

    async def info(self, req: RequestInfo) -> ResponseInfo:
        return ResponseInfo(data="counter", version="1", app_version=1, last_block_height=self.height, last_block_app_hash=self.hash(self.count))

    async def finalize_block(self, req: RequestFinalizeBlock) -> ResponseFinalizeBlock:
        response = await super().finalize_block(req)
        self.pending = (req.height, self.count + len(req.txs))
        response.app_hash = self.hash(self.pending[1])
        return response

    async def commit(self, req: RequestCommit) -> ResponseCommit:
        self.height, self.count = self.pending
        return ResponseCommit()


async def main():
    server = Server(Counter())
    await server.start(port=int(sys.argv[1]))
    await server


asyncio.run(main())
