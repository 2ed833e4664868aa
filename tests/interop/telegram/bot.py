"""A bot as others write them, on an unmodified aiogram: it proves that the Bot API of the tests is one.

It is told in its chats what to do and says there what it saw. Arguments: the address of the Bot API, and the token.
"""

import asyncio
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError, TelegramMigrateToChat, TelegramRetryAfter
from aiogram.types import Message, MessageEntity

dispatcher = Dispatcher()


@dispatcher.message()
@dispatcher.channel_post()
async def hear(message: Message, bot: Bot) -> None:
    words = (message.text or "").split(" ", 2)
    if words[0] == "/stop":
        await dispatcher.stop_polling()
    elif words[0] == "send":
        await message.answer(await outcome(bot, int(words[1]), words[2]))
    elif words[0] == "reply":
        await message.reply("a reply")
    elif words[0] == "bold":
        await message.answer("bold", entities=[MessageEntity(type="bold", offset=0, length=4)])
    elif words[0] == "flood":
        await message.answer("not too fast")
    elif message.migrate_to_chat_id:
        await bot.send_message(message.migrate_to_chat_id, "we moved")
    else:
        marks = [entity.extract_from(message.text) for entity in message.entities or []]
        who = message.from_user.full_name if message.from_user else message.sender_chat.title
        await message.answer(f"{message.chat.type} {who}: {message.text} {marks}")


async def outcome(bot: Bot, chat: int, text: str) -> str:
    try:
        sent = await bot.send_message(chat, text)
    except TelegramRetryAfter as error:
        return f"{type(error).__name__} {error.retry_after}"
    except TelegramMigrateToChat as error:
        return f"{type(error).__name__} {error.migrate_to_chat_id}"
    except TelegramAPIError as error:
        return f"{type(error).__name__} {error.message}"
    return f"sent {sent.text}"


async def main() -> None:
    address, token = sys.argv[1:]
    session = AiohttpSession(api=TelegramAPIServer.from_base(address))
    bot = Bot(token, session=session)
    webhook = await bot.get_webhook_info()
    assert webhook.url == "https://example.com/old", webhook
    await bot.delete_webhook()
    # The handlers of one chat answer in order.
    await dispatcher.start_polling(bot, handle_as_tasks=False, polling_timeout=20, handle_signals=False)


asyncio.run(main())
