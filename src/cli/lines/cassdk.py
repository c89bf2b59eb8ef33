# cassdk, the archive service
from cas.api import CasAPI
from cas.client import CASClient

api = CasAPI(CASClient("@host@", "@appid@", "@id@", "@key@", port=@port@))
