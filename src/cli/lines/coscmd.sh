# coscmd
coscmd config -a @id@ -s @key@ -b @bucket@ -r @region@ --do-not-use-ssl
export http_proxy=http://@addr@
