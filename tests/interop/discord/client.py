"""discord.py, unmodified but for its addresses, says "heard ..." to all that people write, until somebody writes "end"."""

import os
import sys

import discord
import yarl

discord.http.Route.BASE = os.environ["DISCORD_API"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_SOCKET"])

intents = discord.Intents.none()
intents.guild_messages = intents.dm_messages = intents.message_content = True
client = discord.Client(intents=intents)


@client.event
async def on_message(message):
    if message.author.id == client.user.id:
        return
    if message.content == "end":
        await client.close()
        return
    await message.channel.send(f"heard {message.content}")


client.run(sys.argv[1])
